# Mistake 13: of two nodes the leader is removed, and the other is left without a quorum (etcd 10563).
# A leader does not remove itself: it hands on leadership first.
nodes 1 2
elect 1
propose 1 a
deliver
expect no-change 1 leader remove 1
transfer 1 to 2
deliver
expect leader 2
change 2 remove 1
deliver
crash 1
expect members 2 [2]
propose 2 b
deliver
expect committed 2 a b
