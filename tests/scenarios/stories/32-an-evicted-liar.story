# Mistake 32: a node that is no longer a member changes anything at all. This one was evicted since it lies, and claims to lead.
nodes 1 2 3 4
elect 1
change 1 remove 4
pass 2
expect members 1,2,3 [1,2,3]
forge 4 -> 1 term 99 append after 3 99:x
forge 4 -> 2 term 99 append after 3 99:x
forge 4 -> 3 term 99 append after 3 99:x
deliver
tick 1,2,3
deliver
expect committed 1,2,3 nothing
expect term 1,2,3 1
