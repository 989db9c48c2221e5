-- What entries begin with: version and expiry.
local out = {}
for i, entry in ipairs(KEYS) do out[i] = redis.call('GETRANGE', entry, 0, 40) end
return out
