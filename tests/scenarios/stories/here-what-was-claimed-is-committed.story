# After a restart everything up to the claimed height counts as committed: a liar that leads cannot have it replaced.
nodes 1 2 3 4
elect 1
propose 1 a
deliver
expect agreed all 2
crash 2
restart 2
expect commit 2 2
forge 4 -> 2 term 9 append after 1 9:x
deliver 4 -> 2
expect log 2 1:* 1:a
expect evidence 2 against 4 an entry against a committed one
