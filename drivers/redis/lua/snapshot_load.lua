local data, info = KEYS[1], KEYS[2]
local known = redis.call('HGET', info, ARGV[1])
local content = known and redis.call('GET', data)
if not content then return {} end
return {known, content}
