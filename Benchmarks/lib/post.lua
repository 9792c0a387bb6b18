-- Posts an image and checks every answer's status and top-1 class.
-- Arguments: file, "raw" or "form", index of the expected class.

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    local image = file:read("*a")
    file:close()
    expected = arguments[3]
    answered, refused, wrong = 0, 0, 0
    wrk.method = "POST"
    if arguments[2] == "form" then
        local boundary = "benchmark-7c1f0f0a"
        wrk.headers["Content-Type"] = "multipart/form-data; boundary=" .. boundary
        wrk.body = "--" .. boundary .. "\r\n"
            .. 'Content-Disposition: form-data; name="image"; filename="image.jpg"\r\n'
            .. "Content-Type: image/jpeg\r\n\r\n" .. image .. "\r\n--" .. boundary .. "--\r\n"
    else
        wrk.headers["Content-Type"] = "image/jpeg"
        wrk.body = image
    end
    prepared = wrk.format()
end

function request()
    return prepared
end

function response(status, headers, body)
    answered = answered + 1
    if status < 200 or status > 299 then
        refused = refused + 1
    elseif body:match('"index"%s*:%s*(%d+)') ~= expected then
        wrong = wrong + 1
    end
end

function done(summary, latency, requests)
    local total = { answered = 0, refused = 0, wrong = 0 }
    for _, thread in ipairs(threads) do
        for name in pairs(total) do total[name] = total[name] + thread:get(name) end
    end
    local errors = summary.errors
    io.write(string.format(
        '\n{"seconds": %.6f, "answered": %d, "refused": %d, "wrong": %d, "failed": %d, "p50": %.3f, "p99": %.3f}\n',
        summary.duration / 1e6, total.answered, total.refused, total.wrong,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
