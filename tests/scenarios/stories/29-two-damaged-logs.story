# Mistake 29, where two logs are damaged, each in another place, and the third is behind: nobody can be elected. What was intact behind
# each damage stays on disk, each has what the other lacks, and by the hashes it is known to be right.
nodes 1 2 3
disks real
elect 1
propose 1 a
deliver
cut 1 -> 3
# Nothing says how far the log went but the log.
hold applying 1,2
propose 1 b c d e
deliver
expect committed 1,2 a b c d e
crash 1,2
damage 1 entry 4
damage 2 entry 5
restart 1,2
expect log 1 1:* 1:a 1:b
expect log 2 1:* 1:a 1:b 1:c
# The first writes after the start take nothing away.
crash 1,2
restart 1,2
cut 1,2 <-> 3
pass 9
expect messages no lacking
expect log 1 1:* 1:a 1:b
expect role 1,2 follower
pass 1
expect log 1 1:* 1:a 1:b 1:c 1:d 1:e
expect on-disk 1 1:* 1:a 1:b 1:c 1:d 1:e
expect log 2 1:* 1:a 1:b 1:c
# Now one of them has what the other lacks, and can be elected.
pass 30
expect committed 1,2 a b c d e
heal
release applying 1,2
pass 40
expect committed all a b c d e
