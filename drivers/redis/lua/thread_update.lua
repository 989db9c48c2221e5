local id, user, title, metadata, created, version = unpack(ARGV)
local update = update_of(id)
if not update or update[3] ~= '' then return {'missing'} end
local content = thread_of(id)
if user ~= content[1] or created ~= content[4] or version ~= digits(update[4]) then return add_thread({'refused'}, id, content, update) end
content[2], content[3] = title, metadata
update[4] = update[4] + 1
touch(id, update)
redis.call('HSET', THREADS, id, cmsgpack.pack(content))
return add_thread({'done'}, id, content, update)
