local THREADS, UPDATES, MESSAGES, ORDER, LIVE, MADE, LIVEMADE, USERS, LIVEUSERS, TOUCHES = unpack(KEYS)

-- What changes with every update of a thread is kept apart from its content:
-- {user, updated, deleted, version, touched, positions}
local function update_of(thread)
  local packed = redis.call('HGET', UPDATES, thread)
  return packed and cmsgpack.unpack(packed)
end

-- {user, title, metadata, created}
local function thread_of(thread) return cmsgpack.unpack(redis.call('HGET', THREADS, thread)) end

-- {thread, parent, execution, role, content, parts, details, position, created, updated, deleted, version}
local function message_of(id)
  local packed = redis.call('HGET', MESSAGES, id)
  return packed and cmsgpack.unpack(packed)
end

local function padded(n) return string.format('%020.0f', n) end

-- Marks a thread as updated, first in its user's listing, and stores update.
local function touch(thread, update)
  local before = update[1] .. '\0' .. padded(update[5]) .. '\0' .. thread
  -- First a write that is refused when memory is full; what only removes is not, and
  -- nothing is after it.
  update[5] = redis.call('INCR', TOUCHES)
  redis.call('ZREM', USERS, before)
  redis.call('ZREM', LIVEUSERS, before)
  update[2] = digits(math.max(now(), tonumber(update[2])))
  local after = update[1] .. '\0' .. padded(update[5]) .. '\0' .. thread
  redis.call('ZADD', USERS, 0, after)
  if update[3] == '' then redis.call('ZADD', LIVEUSERS, 0, after) end
  redis.call('HSET', UPDATES, thread, cmsgpack.pack(update))
end

-- A write that changes nothing, for calls that are repeated: WAIT only promises to wait
-- for the writes of its own connection.
local function again(thread, update) redis.call('HSET', UPDATES, thread, cmsgpack.pack(update)) end

local function put_message(id, message) redis.call('HSET', MESSAGES, id, cmsgpack.pack(message)) end

local function add_thread(out, id, content, update)
  for _, part in ipairs({id, content[1], content[2], content[3], content[4], update[2], update[3], digits(update[4]), digits(update[5])}) do out[#out + 1] = part end
  return out
end

local function add_message(out, id, message)
  out[#out + 1] = id
  for _, part in ipairs(message) do out[#out + 1] = part end
  return out
end

-- Where a message stands in the listings of its thread and of its execution.
local function place(id, message) return message[1] .. '\0' .. padded(tonumber(message[8])) .. '\0' .. id end
