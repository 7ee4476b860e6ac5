# Mistake 22: all appends in flight are lost, and the window stays full for ever (etcd 14633).
nodes 1 2 3
limit max-in-flight 2
elect 1
propose 1 a
lose 1 -> 3 append
propose 1 b
lose 1 -> 3 append
propose 1 c
expect messages no 1 -> 3 append
deliver
expect committed 1,2 a b c
pass 25
expect committed 3 a b c
