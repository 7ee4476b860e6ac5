# Mistake 24, its other half: a snapshot is gone before it has arrived (NuRaft 212), and nobody sends another.
nodes 1 2 3
elect 1
cut 1 <-> 3
propose 1 a b
deliver
compact 1,2 3
heal 1 <-> 3
hold installing 3
pass 14
expect commit 3 1
# Meanwhile the leader's log begins later still.
propose 1 c
pass 1
compact 1,2 4
release installing 3
pass 3
expect commit 3 4
propose 1 d
deliver
expect committed 3 a b c d
