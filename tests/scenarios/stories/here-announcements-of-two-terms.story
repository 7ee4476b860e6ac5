# What was announced in different terms is never added up. 2 had a of term 1 at index 2; of term 2, there is another entry.
nodes 1 2 3 4 5
threshold 3
elect 1
cut 1 -> 3,4,5
cut 2 -> 3,4,5
propose 1 a
deliver
expect on-disk 1,2 1:* 1:a
heal
unheard 4,5
hold 3 -> 2,4,5 append
elect 3
pass 12
expect on-disk 1,3 1:* 2:*
expect commit 1,3 1
