# Mistake 26: a cluster of one acknowledges before its own sync (etcd 14370).
nodes 1
elect 1
stall 1
propose 1 a
deliver
expect committed 1 nothing
write 1
expect committed 1 a
resume 1
propose 1 b
expect committed 1 a b
