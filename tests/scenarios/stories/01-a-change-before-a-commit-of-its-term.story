# Mistake 1: a leader changes one member in a single step before it has committed in its own term, and there are two quorums
# (Ongaro, raft-dev 2015).
# 1 adds 5, and nobody but 5 hears of it. 2 leads, removes 1, and has 3 agree. Then 1 leads again by the votes of 4 and 5, who never
# heard of 2's change.
nodes 1 2 3 4
spare 5
quorum majority
elect 1
cut 1,5 <-> 2,3,4
change 1 voter 5
deliver
unheard 3,4
hold 2 -> 3 append
hold 2 -> 4 append
elect 2
# Nothing of its term is committed.
ask 2 remove 1
release 2 -> 3 append
deliver
cut 2,3 <-> 4
heal 1,5 <-> 4
unheard 4
tick 1 election
tick 1 election
deliver
tick 1 election
deliver
expect members 2,3 [1,2,3,4]
