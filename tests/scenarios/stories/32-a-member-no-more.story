# Mistake 32, of a node that was a member: what it said comes when it is none any more, and it goes on asking for votes. It changes
# nothing.
nodes 1 2 3 4
elect 1
unheard 2,3
tick 4 election
deliver 4 -> 2,3 pre-vote-request
deliver 2,3 -> 4 pre-vote-response
expect role 4 candidate
hold 4 -> all vote-request
tick 1
cut 4 <-> 1,2,3
deliver
expect follows 2,3 1
change 1 remove 4
pass 2
expect members 1,2,3 [1,2,3]
heal 4 <-> 1,2,3
unheard 3
release 4 -> all vote-request
deliver
tick 4 25
deliver
expect leader 1 term 1
expect term 2,3 1
propose 1 a
deliver
expect committed 1,2,3 a
