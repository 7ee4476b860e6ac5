# Mistake 25: a node goes on from a snapshot, and keeps the members it had (openraft 1808).
nodes 1 2 3 4
spare 5
elect 1
cut 4 <-> 1,2,3,5
change 1 voter 5
pass 2
expect members 1,2,3,5 [1,2,3,4,5]
compact 1,2,3 4
heal
pass 12
expect log 4 nothing
expect members 4 [1,2,3,4,5]
crash 4
restart 4
expect members 4 [1,2,3,4,5]
