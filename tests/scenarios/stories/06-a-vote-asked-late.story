# Mistake 6, the other half: a vote that is asked for by one whose pre-vote was won before the leader was heard again.
# Those who hear their leader, and the leader, must not be drawn into it.
nodes 1 2 3
elect 1
propose 1 a
deliver
cut 1 -> 3
hold 3 -> 1,2 vote-request
unheard 2,3
tick 3 election
deliver
expect role 3 candidate
tick 1
deliver
expect follows 2 1
release 3 -> 1,2 vote-request
deliver
expect leader 1 term 1
expect term 1,2 1
propose 1 b
deliver
expect committed 1,2 a b
