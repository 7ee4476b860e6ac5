# Mistake 24: the term of the entry before the first is gone with compaction, and nobody can follow (camunda 13724).
# 3 has all that was dropped: it needs no snapshot.
nodes 1 2 3
elect 1
propose 1 a
deliver
cut 1 <-> 3
propose 1 b
deliver
compact 1,2 2
expect log 1 1:b
hold installing 3
heal
pass 12
expect committed 3 a b
compact all 3
# And after a restart, with nothing left of the log.
crash all
restart all
expect log all nothing
elect 2
propose 2 c
deliver
expect committed all a b c
