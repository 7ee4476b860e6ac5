# Mistake 21: an append from a later term truncates what was committed. No honest leader sends one; node 4 lies.
nodes 1 2 3 4
elect 1
propose 1 a b
deliver
expect committed all a b
forge 4 -> 2 term 9 append after 1 9:x
deliver 4 -> 2
expect evidence 2 against 4 an entry against a committed one
expect log 2 1:* 1:a 1:b
