# Mistake 3: stepping down within a term clears the vote, and a second is given (CCF 5891).
# 3 votes for 1 and follows it. Then it hears nothing for long, and 2's request of the same term comes late.
nodes 1 2 3
tick 1,2 election
deliver pre-vote-request
deliver pre-vote-response
hold 2 -> all vote-request
deliver
expect leader 1 term 1
tick 1
deliver
expect follows 3 1
expect vote 3 1
unheard 3
release 2 -> 3 vote-request
deliver
expect vote 3 1
expect term all 1
expect leader 1
