# Mistake 9: after compaction the log is empty, and its last term is taken for 0: anybody gets a vote (NuRaft 668).
nodes 1 2 3
elect 1
cut 1 -> 3
propose 1 a
deliver
expect committed 2 a
compact 2 2
expect log 2 nothing
crash 1
unheard 2
tick 3 election
deliver
tick 3 election
deliver
expect term 2,3 1
elect 2
expect committed 2,3 a
