-- Whether more may follow, and position, ID, type, payload and time of some events.
local log = KEYS[1]
local from, most, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
-- As many as are in memory at once, however large.
local chunk = 8
local out, count = {1}, 0
while true do
  local found = redis.call('XRANGE', log, from, '+', 'COUNT', chunk)
  for _, entry in ipairs(found) do
    local fields = entry[2]
    out[#out + 1] = entry[1]
    out[#out + 1] = fields[2]
    out[#out + 1] = fields[4]
    out[#out + 1] = fields[6]
    out[#out + 1] = fields[8]
    count, bytes = count + 1, bytes - #fields[6]
    if count >= most or bytes <= 0 then return out end
  end
  if #found < chunk then
    out[1] = 0
    return out
  end
  from = '(' .. found[chunk][1]
end
