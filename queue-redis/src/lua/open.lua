open_job(ARGV[1])
return 1
