# Mistake 2: an entry of an old term is committed by counting (Raft, figure 8).
# Node 1's entry of term 1 comes to lie on a majority in term 3. Node 5, whose last entry is of term 2, may still be elected, and
# replaces it: so it must not count before an entry of term 3 does.
nodes 1 2 3 4 5
threshold 3
elect 1
cut 1 -> 3,4,5
propose 1 a
deliver
expect on-disk 2 1:* 1:a
crash 1
heal
# 5 leads term 2; nobody hears of its first entry.
hold 5 -> all append
unheard 3,4
elect 5
crash 5
lose 5 -> all append
# 1 leads term 3, and sends 3 what it lacks, one entry at a time while it looks for the place where their logs agree.
restart 1
tick 1 election
deliver
hold 1 -> 3,4 append
elect 1
release 1 -> 3 append first
deliver
release 1 -> 3 append first
deliver
expect on-disk 1,2 1:* 1:a 3:*
expect on-disk 3 1:* 1:a
crash 1
lose 1 -> all append
# 5 leads again, by the votes of 3 and 4.
heal
restart 5
unheard 3,4
tick 5 election
deliver
elect 5
expect leader 5 term 4
expect log 3,4,5 1:* 2:* 4:*
