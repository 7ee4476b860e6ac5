# Mistake 11, its other half: a configuration is truncated, and the one before does not come back (hashicorp).
nodes 1 2 3
spare 4
elect 1
cut 1 <-> 2,3,4
change 1 voter 4
expect members 1 [1,2,3,4|1,2,3]
unheard 3
elect 2
heal
pass 12
expect log 1 1:* 2:*
expect members all [1,2,3]
