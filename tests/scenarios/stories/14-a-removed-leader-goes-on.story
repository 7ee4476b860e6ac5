# Mistake 14: a leader that is no member any more goes on sending heartbeats (etcd 11038).
# 2 began to remove 1 and crashed. 1, still a voter while the configuration is joint, is elected, finishes the change, and goes.
nodes 1 2 3
elect 2
change 2 remove 1
deliver 2 -> 1,3
crash 2
lose all -> 2
restart 2
expect members all [2,3|1,2,3]
unheard 3
tick 1 election
deliver
expect members 2,3 [2,3]
tick 1 20
deliver
expect role 1 follower
tick 1
expect messages no 1 -> all heartbeat
unheard 3
elect 2
propose 2 a
deliver
expect committed 2,3 a
