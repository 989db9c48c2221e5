-- One stretch of the index: whether more follows, the last name looked at, and
-- name, version and expiry of what is alive in it.
local keys, entries = KEYS[1], KEYS[2]
local from, to, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local names = redis.call('ZRANGEBYLEX', keys, from, to, 'LIMIT', 0, limit)
if #names == 0 then return {0, ''} end
local found = redis.call('HMGET', entries, unpack(names))
local at = now()
local out = {#names == limit and 1 or 0, names[#names]}
for i, name in ipairs(names) do
  local version, expires = live(found[i], at)
  if version then
    out[#out + 1] = name
    out[#out + 1] = version
    out[#out + 1] = expires
  end
end
return out
