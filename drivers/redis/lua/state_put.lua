-- Sets a key for ever, at whatever version it is. Answers with its new version.
local entry, clock, keys = KEYS[1], KEYS[2], KEYS[3]
local version = first(clock, 1)
redis.call('SET', entry, string.format('%.0f 0 ', version) .. ARGV[2])
redis.call('ZADD', keys, '0', ARGV[1])
return version
