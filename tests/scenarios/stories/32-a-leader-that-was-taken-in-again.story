# Mistake 32, seen from the other side: a node that was removed leads again, and one that was away knows of the removal only. Most voters
# that it knew have gone since, so that it hears of the new term from nodes that it never knew as members.
nodes 1 2 3 4
spare 5 6 7
elect 1
transfer 1 to 2
deliver
change 2 voter 5 remove 1
pass 20
expect members 2,3,4,5 [2,3,4,5]
cut all <-> 4
change 2 learner 1 learner 6 learner 7
pass 20
change 2 voter 1 voter 6 voter 7 remove 3
pass 20
transfer 2 to 1
pass 5
change 1 remove 2
pass 20
propose 1 a
pass 2
expect members 1,5,6,7 [1,4,5,6,7]
crash 2,3
heal
pass 40
expect leader 1
expect follows 4 1
expect committed 1,4,5,6,7 a
