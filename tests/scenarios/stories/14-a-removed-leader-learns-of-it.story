# Mistake 14, and Raft thesis 4.2.2: a leader that the newest configuration leaves out is told that it is committed, and goes.
nodes 1 2 3
elect 2
change 2 remove 1
deliver 2 -> 1,3
crash 2
lose all -> 2
restart 2
unheard 3
tick 1 election
deliver
expect members 2,3 [2,3]
expect role 1 follower
