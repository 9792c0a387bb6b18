// WebP by libwebp. The demultiplexer finds the first frame of still and moving pictures alike; what that frame leaves
// of the canvas is black. Alpha is dropped, not blended.

#include "CImageCodecs.h"
#include "message.h"

#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

/// Is the first chunk one that a picture can begin with?
static int is_possible(const uint8_t *bytes, size_t count) {
    const uint8_t *kind = bytes + 12;
    return count >= 16 && (!memcmp(kind, "VP8 ", 4) || !memcmp(kind, "VP8L", 4) || !memcmp(kind, "VP8X", 4));
}

/// Are there as many bytes as the header says?
static int is_whole(const uint8_t *bytes, size_t count) {
    uint64_t size = bytes[4] | (uint64_t)bytes[5] << 8 | (uint64_t)bytes[6] << 16 | (uint64_t)bytes[7] << 24;
    return count >= size + 8;
}

/// The demultiplexer of a whole file, or null and why not.
static WebPDemuxer *open_demuxer(
    const uint8_t *bytes, size_t count, codec_size *size, codec_status *status, codec_message *message) {
    WebPData data = {.bytes = bytes, .size = count};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    WebPDemuxer *demuxer = is_possible(bytes, count) ? WebPDemuxPartial(&data, &state) : NULL;
    *status = codec_ok;
    if (count < 16 || (state != WEBP_DEMUX_PARSE_ERROR && state != WEBP_DEMUX_DONE && !is_whole(bytes, count))) {
        *status = codec_truncated;
        codec_say(message, "it ends before its last chunk");
    } else if (!demuxer || state != WEBP_DEMUX_DONE) {
        *status = codec_corrupt;
        codec_say(message, "its chunks contradict each other");
    } else {
        size->width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
        size->height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
    }
    if (*status != codec_ok) {
        WebPDemuxDelete(demuxer);
        return NULL;
    }
    return demuxer;
}

static codec_status decode_frame(
    const WebPIterator *frame, codec_size size, uint8_t *pixels, size_t byte_count, codec_message *message) {
    if (frame->x_offset < 0 || frame->y_offset < 0 || frame->width <= 0 || frame->height <= 0
        || (uint64_t)frame->x_offset + (uint64_t)frame->width > size.width
        || (uint64_t)frame->y_offset + (uint64_t)frame->height > size.height) {
        codec_say(message, "its first frame lies outside of its canvas");
        return codec_corrupt;
    }
    if ((uint32_t)frame->width != size.width || (uint32_t)frame->height != size.height) {
        memset(pixels, 0, byte_count);
    }
    size_t stride = 3 * (size_t)size.width;
    size_t offset = (size_t)frame->y_offset * stride + 3 * (size_t)frame->x_offset;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        codec_say(message, "the WebP library's version does not match its headers");
        return codec_unsupported;
    }
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels + offset;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = byte_count - offset;
    VP8StatusCode result = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
    WebPFreeDecBuffer(&config.output);
    switch (result) {
    case VP8_STATUS_OK: return codec_ok;
    case VP8_STATUS_OUT_OF_MEMORY:
        codec_say(message, "there is no memory left to decode it");
        return codec_out_of_memory;
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        codec_say(message, "it uses a feature of WebP that does not exist yet");
        return codec_unsupported;
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        codec_say(message, "its first frame ends before its pixels do");
        return codec_truncated;
    default:
        codec_say(message, "its first frame cannot be decoded");
        return codec_corrupt;
    }
}

codec_status codec_webp_size(const uint8_t *bytes, size_t count, codec_size *size, codec_message *message) {
    codec_status status;
    WebPDemuxDelete(open_demuxer(bytes, count, size, &status, message));
    return status;
}

codec_status codec_webp_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t byte_count, codec_message *message) {
    codec_status status;
    codec_size size;
    WebPDemuxer *demuxer = open_demuxer(bytes, count, &size, &status, message);
    if (!demuxer) { return status; }
    WebPIterator frame;
    memset(&frame, 0, sizeof frame);
    if (!codec_fits(size.width, size.height, byte_count)) {
        codec_say(message, "its size changed");
        status = codec_corrupt;
    } else if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
        codec_say(message, "it has no frame");
        status = codec_corrupt;
    } else {
        status = decode_frame(&frame, size, pixels, byte_count, message);
        WebPDemuxReleaseIterator(&frame);
    }
    WebPDemuxDelete(demuxer);
    return status;
}
