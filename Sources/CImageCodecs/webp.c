// WebP by libwebp. The demultiplexer finds the first frame of still and moving images alike; what that frame leaves
// of the canvas is black. Alpha is dropped, not blended.
//
// The library gets a large frame bit by bit, so that the caller is asked in between whether it is to go on. Few bytes that
// stand for many pixels are decoded at one go: nothing of the library's lies in between.

#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

typedef struct {
    codec_reader base;
    WebPDemuxer *demuxer;
    codec_size size;
    codec_window window;
    uint32_t next_row;
    /// The whole image, once it is decoded.
    uint8_t *pixels;
} webp_reader;

/// Is the first chunk one that an image can begin with?
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

/// How much more of a frame the library gets at a time. Units: bytes.
enum { frame_step = 1 << 18 };

static VP8StatusCode decode_steps(webp_reader *reader, const WebPData *data, WebPDecoderConfig *config) {
    if (data->size <= frame_step) { return WebPDecode(data->bytes, data->size, config); }
    WebPIDecoder *decoder = WebPIDecode(NULL, 0, config);
    if (!decoder) { return VP8_STATUS_OUT_OF_MEMORY; }
    // A lossless frame's header is read again where a step cuts it: with steps that grow, at most three times its length.
    const int is_lossless = !memcmp(data->bytes, "VP8L", 4);
    VP8StatusCode result = VP8_STATUS_SUSPENDED;
    for (size_t count = 0; count < data->size && result == VP8_STATUS_SUSPENDED;) {
        const size_t step = is_lossless && count / 2 > frame_step ? count / 2 : frame_step;
        count = step < data->size - count ? count + step : data->size;
        const int is_stopped = codec_is_stopped(&reader->base, codec_work_between_questions);
        result = is_stopped ? VP8_STATUS_USER_ABORT : WebPIUpdate(decoder, data->bytes, count);
    }
    WebPIDelete(decoder);
    return result;
}

static codec_status decode_frame(webp_reader *reader, const WebPIterator *frame, uint8_t *pixels, size_t byte_count) {
    const codec_size size = reader->size;
    codec_message *message = reader->base.message;
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
    VP8StatusCode result = decode_steps(reader, &frame->fragment, &config);
    WebPFreeDecBuffer(&config.output);
    switch (result) {
    case VP8_STATUS_OK: return codec_ok;
    case VP8_STATUS_USER_ABORT: return codec_stopped;
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

/// Decodes the whole image, without gaps.
static codec_status decode(webp_reader *reader, uint8_t *pixels) {
    WebPIterator frame;
    memset(&frame, 0, sizeof frame);
    if (!WebPDemuxGetFrame(reader->demuxer, 1, &frame)) {
        codec_say(reader->base.message, "it has no frame");
        return codec_corrupt;
    }
    const size_t byte_count = 3 * (size_t)reader->size.width * reader->size.height;
    const codec_status status = decode_frame(reader, &frame, pixels, byte_count);
    WebPDemuxReleaseIterator(&frame);
    return status;
}

static codec_status begin(codec_reader *base, uint32_t denominator, codec_window *window) {
    webp_reader *reader = (webp_reader *)base;
    (void)denominator;
    if ((uint64_t)window->left + window->width > reader->size.width
        || (uint64_t)window->top + window->height > reader->size.height) {
        codec_say(base->message, "its size changed");
        return codec_corrupt;
    }
    reader->window = *window;
    reader->next_row = window->top;
    return codec_ok;
}

static codec_status read_rows(codec_reader *base, uint8_t *pixels, size_t stride, uint32_t row_count) {
    webp_reader *reader = (webp_reader *)base;
    const size_t row_byte_count = 3 * (size_t)reader->size.width;
    if (!reader->pixels) {
        // All that there is, asked for at once, needs no memory of our own.
        if (row_count == reader->size.height && reader->window.width == reader->size.width
            && stride == row_byte_count) {
            return decode(reader, pixels);
        }
        reader->pixels = malloc(row_byte_count * reader->size.height);
        if (!reader->pixels) { return codec_lack_memory(base->message); }
        const codec_status status = decode(reader, reader->pixels);
        if (status != codec_ok) { return status; }
    }
    if (codec_is_stopped(base, (size_t)row_count * row_byte_count)) { return codec_stopped; }
    for (uint32_t i = 0; i < row_count; i++, reader->next_row++) {
        const uint8_t *row = reader->pixels + reader->next_row * row_byte_count + 3 * (size_t)reader->window.left;
        memcpy(pixels + i * stride, row, 3 * (size_t)reader->window.width);
    }
    return codec_ok;
}

/// The first rows' reading went to the end already.
static codec_status finish(codec_reader *base) {
    (void)base;
    return codec_ok;
}

static void close_reader(codec_reader *base) {
    webp_reader *reader = (webp_reader *)base;
    WebPDemuxDelete(reader->demuxer);
    free(reader->pixels);
    free(reader);
}

static const codec_verbs verbs = {0, begin, read_rows, finish, close_reader};

codec_status codec_open_webp(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **opened, codec_size *size,
    codec_message *message) {
    webp_reader *reader = calloc(1, sizeof *reader);
    *opened = (codec_reader *)reader;
    if (!reader) { return codec_lack_memory(message); }
    reader->base.verbs = &verbs;
    reader->base.message = message;
    reader->base.control = control;
    codec_status status;
    reader->demuxer = open_demuxer(bytes, count, &reader->size, &status, message);
    *size = reader->size;
    return status;
}
