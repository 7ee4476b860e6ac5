# A payload whose time does not rise makes no head, and nobody certifies it: it does not count as uncertified for ever.
nodes 1
by-itself nothing
limit max-uncertified 2
restart 1
tick 1 election
write 1 all
write 1 all
propose 1 late-a
propose 1 late-b
propose 1 late-c
write 1 all
expect committed 1 late-a late-b late-c
expect refusal 1 too-uncertified
apply 1 4
propose 1 a
write 1 all
apply 1 1
propose 1 b c
write 1 all
apply 1 2
expect refusal 1 too-uncertified
certify 1 5
propose 1 d
