-- One stretch of an index: whether more follows, the last name, and each name with
-- what a hash says of it.
local index, info = KEYS[1], KEYS[2]
local from, to, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local names = redis.call('ZRANGEBYLEX', index, from, to, 'LIMIT', 0, limit)
if #names == 0 then return {0, ''} end
local known = redis.call('HMGET', info, unpack(names))
local out = {#names == limit and 1 or 0, names[#names]}
for i, name in ipairs(names) do
  if known[i] then
    out[#out + 1] = name
    out[#out + 1] = known[i]
  end
end
return out
