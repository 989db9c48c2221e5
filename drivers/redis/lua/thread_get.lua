local id, deleted_too = ARGV[1], ARGV[2] == '1'
local update = update_of(id)
if not update or (update[3] ~= '' and not deleted_too) then return {'missing'} end
return add_thread({'done'}, id, thread_of(id), update)
