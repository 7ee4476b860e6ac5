# Mistake 11: a configuration in the log is ignored until it is known to be committed (NuRaft 67, hashicorp).
# 2 and 3 have the joint configuration in their logs, and do not know that it is committed, and left, by 1, 4 and 5. By the
# configuration of before, the two would be a quorum.
nodes 1 2 3
spare 4 5
quorum majority
elect 1
hold all -> 2,3 durable
change 1 voter 4 voter 5
deliver 1 -> 2,3
deliver 2,3 -> 1
cut 1,4,5 <-> 2,3
deliver
expect members 1,4,5 [1,2,3,4,5]
expect members 2,3 [1,2,3,4,5|1,2,3]
expect commit 2,3 1
propose 1 a
deliver
expect committed 1,4,5 a
unheard 3
tick 2 election
deliver
tick 2 election
deliver
expect term 2,3 1
