# Mistake 7: a learner that others already count as a voter must be able to vote (etcd 10998).
# 3 is a voter since a change that it has not got yet. With 1 gone, 2 needs its vote.
nodes 1 2
learners 3
elect 1
deliver
hold 1 -> 3 append
change 1 voter 3
pass 2
expect members 1,2 [1,2,3]
expect members 3 [1,2+3]
crash 1
lose 1 -> 3 append
unheard 3
elect 2
propose 2 a
deliver
expect committed 2,3 a
