# Mistake 8: term and role do not change as one: a deposed leader stamps an entry with the new term (NuRaft 293).
nodes 1 2 3
elect 1
cut 1 <-> 2,3
unheard 3
elect 2
expect leader 2 term 2
expect leader 1 term 1
heal
tick 1
deliver 1 -> 3 heartbeat
deliver 3 -> 1 append-response
expect term 1 2
expect role 1 follower
expect refusal 1 not-leader
