# What a node announced in a term stays in its log while the term lasts. A liar that never led sends, in the leader's term, entries of an
# older one: were they taken, an announcement would count for what is gone.
nodes 1 2 3 4
elect 1
unheard 3,4
crash 1
hold 2 -> 4 append
elect 2
expect log 2,3 1:* 2:*
forge 4 -> 3 term 2 append after 1 1:x 2:y
deliver 4 -> 3
expect log 3 1:* 2:*
expect evidence 3 against 4 two stories in one term
release 2 -> 4 append
deliver
expect commit 2,3,4 2
