local found = take_dead(ARGV[1])
for _, letter in ipairs(found) do drop(letter[1]) end
return #found
