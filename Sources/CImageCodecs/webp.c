// WebP by libwebp. The demuxer finds the first frame, in still images and animations alike; the rest of the canvas is
// black. Alpha is dropped, not blended.
//
// The library gets a large frame in steps (incremental decoding), and cancellation is checked between them. A small
// file with many pixels is decoded in one call that cannot be cancelled: the library has no callback for that.

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
    /// The decoded image; null before.
    uint8_t *pixels;
} webp_reader;

/// Whether the first chunk is of a type that can start an image.
static int is_possible(const uint8_t *bytes, size_t count) {
    const uint8_t *kind = bytes + 12;
    return count >= 16 && (!memcmp(kind, "VP8 ", 4) || !memcmp(kind, "VP8L", 4) || !memcmp(kind, "VP8X", 4));
}

/// Whether the file has as many bytes as its RIFF header says.
static int is_whole(const uint8_t *bytes, size_t count) {
    uint64_t size = bytes[4] | (uint64_t)bytes[5] << 8 | (uint64_t)bytes[6] << 16 | (uint64_t)bytes[7] << 24;
    return count >= size + 8;
}

/// Opens the demuxer of a complete file; null on failure, with status and message set.
static WebPDemuxer *open_demuxer(
    const uint8_t *bytes, size_t count, codec_size *size, codec_status *status, codec_message *message) {
    WebPData data = {.bytes = bytes, .size = count};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    WebPDemuxer *demuxer = is_possible(bytes, count) ? WebPDemuxPartial(&data, &state) : NULL;
    *status = codec_ok;
    if (count < 16 || (state != WEBP_DEMUX_PARSE_ERROR && state != WEBP_DEMUX_DONE && !is_whole(bytes, count))) {
        *status = codec_truncated;
        codec_set_message(message, "it ends before its last chunk");
    } else if (!demuxer || state != WEBP_DEMUX_DONE) {
        *status = codec_corrupt;
        codec_set_message(message, "its chunks contradict each other");
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

/// Step of incremental decoding. Units: bytes.
enum { frame_step = 1 << 18 };

static VP8StatusCode decode_steps(webp_reader *reader, const WebPData *data, WebPDecoderConfig *config) {
    if (data->size <= frame_step) { return WebPDecode(data->bytes, data->size, config); }
    WebPIDecoder *decoder = WebPIDecode(NULL, 0, config);
    if (!decoder) { return VP8_STATUS_OUT_OF_MEMORY; }
    // The library parses a lossless frame's header again after each step that ends inside it. Growing steps bound that
    // work to three times the header's length.
    const int is_lossless = !memcmp(data->bytes, "VP8L", 4);
    VP8StatusCode result = VP8_STATUS_SUSPENDED;
    for (size_t count = 0; count < data->size && result == VP8_STATUS_SUSPENDED;) {
        const size_t step = is_lossless && count / 2 > frame_step ? count / 2 : frame_step;
        count = step < data->size - count ? count + step : data->size;
        const int is_stopped = codec_should_stop(&reader->base, codec_stop_check_interval);
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
        codec_set_message(message, "its first frame lies outside of its canvas");
        return codec_corrupt;
    }
    if ((uint32_t)frame->width != size.width || (uint32_t)frame->height != size.height) {
        memset(pixels, 0, byte_count);
    }
    size_t stride = 3 * (size_t)size.width;
    size_t offset = (size_t)frame->y_offset * stride + 3 * (size_t)frame->x_offset;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        codec_set_message(message, "the WebP library's version does not match its headers");
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
        codec_set_message(message, "there is not enough memory to decode it");
        return codec_out_of_memory;
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        codec_set_message(message, "it uses a WebP feature that libwebp does not support");
        return codec_unsupported;
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        codec_set_message(message, "its first frame ends before its pixels do");
        return codec_truncated;
    default:
        codec_set_message(message, "its first frame cannot be decoded");
        return codec_corrupt;
    }
}

/// Decodes the whole image, rows without gaps.
static codec_status decode(webp_reader *reader, uint8_t *pixels) {
    WebPIterator frame;
    memset(&frame, 0, sizeof frame);
    if (!WebPDemuxGetFrame(reader->demuxer, 1, &frame)) {
        codec_set_message(reader->base.message, "it has no frame");
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
        codec_set_message(base->message, "its size changed");
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
        // The whole image is requested in one call: decode directly into the caller's memory.
        if (row_count == reader->size.height && reader->window.width == reader->size.width
            && stride == row_byte_count) {
            return decode(reader, pixels);
        }
        reader->pixels = malloc(row_byte_count * reader->size.height);
        if (!reader->pixels) { return codec_report_out_of_memory(base->message); }
        const codec_status status = decode(reader, reader->pixels);
        if (status != codec_ok) { return status; }
    }
    if (codec_should_stop(base, (size_t)row_count * row_byte_count)) { return codec_stopped; }
    for (uint32_t i = 0; i < row_count; i++, reader->next_row++) {
        const uint8_t *row = reader->pixels + reader->next_row * row_byte_count + 3 * (size_t)reader->window.left;
        memcpy(pixels + i * stride, row, 3 * (size_t)reader->window.width);
    }
    return codec_ok;
}

/// Nothing to do: the first call of `read_rows` has decoded the whole file.
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

static const codec_operations operations = {0, begin, read_rows, finish, close_reader};

codec_status codec_open_webp(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **opened, codec_size *size,
    codec_message *message) {
    webp_reader *reader = calloc(1, sizeof *reader);
    *opened = (codec_reader *)reader;
    if (!reader) { return codec_report_out_of_memory(message); }
    reader->base.operations = &operations;
    reader->base.message = message;
    reader->base.control = control;
    codec_status status;
    reader->demuxer = open_demuxer(bytes, count, &reader->size, &status, message);
    *size = reader->size;
    return status;
}
