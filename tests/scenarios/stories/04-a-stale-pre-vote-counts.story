# Mistake 4: a grant for an earlier pre-campaign counts for a later one (cockroach 123297).
# 2 and 3 would have voted for 1 before they had a leader. Their answers come when they have one, and 1 does not hear it.
nodes 1 2 3
hold 2,3 -> 1 pre-vote-response
tick 1 election
deliver
elect 2
expect follows 1,3 2
cut 2 -> 1
tick 1 election
expect role 1 pre-candidate
release 2,3 -> 1 pre-vote-response
deliver
expect term all 1
expect leader 2
