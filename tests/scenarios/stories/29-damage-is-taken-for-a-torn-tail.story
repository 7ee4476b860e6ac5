# Mistake 29: a corrupt log is taken for a torn tail and cut, and what was committed is lost (Alagappan, FAST 2018).
# 2 held b when it was committed, and finds it damaged. With 3, which never had it, it would be a quorum: so 2 remembers where its log
# ended, votes for nobody who has less, and has the others mend it.
nodes 1 2 3
disks real
elect 1
propose 1 a
deliver
cut 1 -> 3
# Nothing says how far the log went but the log.
hold applying 2
propose 1 b
deliver
expect committed 1,2 a b
crash 1,2
damage 2 entry 3
restart 2
expect log 2 1:* 1:a
heal
tick 2,3 election
deliver
tick 3 election
deliver
expect term 2,3 1
expect committed 2 a
# With 1 there is one who has b.
restart 1
pass 30
release applying 2
expect committed all a b
expect vote 2,3 1
