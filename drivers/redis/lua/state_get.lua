local value, entries = KEYS[1], KEYS[2]
local key = ARGV[1]
local version, expires = live(redis.call('HGET', entries, key), now())
local found = version and redis.call('GET', value)
if not found then return {} end
return {version, expires, found}
