local id = ARGV[1]
local update = update_of(id)
if not update then return {'missing'} end
if update[3] ~= '' then
  again(id, update)
  return {'done'}
end
touch(id, update)
update[3] = update[2]
redis.call('ZREM', LIVEUSERS, update[1] .. '\0' .. padded(update[5]) .. '\0' .. id)
redis.call('HSET', UPDATES, id, cmsgpack.pack(update))
return {'done'}
