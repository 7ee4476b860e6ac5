# Voters that are not heard are not added where too few would be left to decide; a learner rises when it is level, and not before.
nodes 1 2
spare 3 4
elect 1
crash 3,4
expect no-change 1 quorum voter 3 voter 4 remove 2
change 1 rising 3
pass 12
expect members 1,2 [1,2+3]
restart 3
pass 24
expect members 1,2,3 [1,2,3]
