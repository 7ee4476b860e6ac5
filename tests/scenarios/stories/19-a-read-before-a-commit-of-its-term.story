# Mistake 19: a new leader answers reads before an entry of its term is committed, by a commit index that lags (etcd-raft 397).
# 1 has committed a, and told its client so. 2 has a, and does not know that it is committed.
nodes 1 2 3
elect 1
hold all -> 2,3 durable
propose 1 a
deliver
expect committed 1 a
expect committed 2,3 nothing
crash 1
unheard 3
hold 2 -> all append
elect 2
read 2
tick 2
deliver
expect read 2 unknown
release 2 -> all append
release all -> 2,3 durable
deliver
read 2
deliver
expect read 2 3
