# A leader that makes way is no reason to refuse its successor; and where that one does not take over, it leads on.
nodes 1 2 3
elect 1
propose 1 a
deliver
transfer 1 to 2
expect refusal 1 transferring
deliver
expect leader 2 term 2
expect follows 1,3 2
hold 2 -> 3 campaign-now
transfer 2 to 3
expect refusal 2 transferring
pass 11
expect leader 2 term 2
propose 2 b
deliver
expect committed all a b
