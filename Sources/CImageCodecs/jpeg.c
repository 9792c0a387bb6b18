// JPEG by libjpeg. The source never refills, so a file that ends early suspends the library rather than being completed
// with grey: that is what tells a truncated picture from a whole one. Its warnings (a premature end of a segment, bytes
// between markers) are ignored, its errors jump back into this file.

#include "CImageCodecs.h"
#include "message.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/// A progressive picture of a few bytes can ask for the whole picture to be gone through once a scan. Encoders write
/// about ten.
static const int scan_limit = 64;

typedef struct {
    struct jpeg_decompress_struct library;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf failure;
    codec_message *message;
    codec_status status;
} jpeg_reader;

static void fail(jpeg_reader *reader, codec_status status, const char *text) {
    codec_say(reader->message, text);
    reader->status = status;
    longjmp(reader->failure, 1);
}

static void on_error(j_common_ptr library) {
    jpeg_reader *reader = library->client_data;
    char text[JMSG_LENGTH_MAX];
    library->err->format_message(library, text);
    switch (library->err->msg_code) {
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL: fail(reader, codec_unsupported, text); break;
    case JERR_OUT_OF_MEMORY: fail(reader, codec_out_of_memory, text); break;
    default: fail(reader, codec_corrupt, text);
    }
}

static void on_message(j_common_ptr library) { (void)library; }
static void on_source(j_decompress_ptr library) { (void)library; }
static boolean on_refill(j_decompress_ptr library) { (void)library; return FALSE; }

static void on_skip(j_decompress_ptr library, long count) {
    if (count <= 0) { return; }
    struct jpeg_source_mgr *source = library->src;
    size_t skipped = (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
    source->next_input_byte += skipped;
    source->bytes_in_buffer -= skipped;
}

static void on_progress(j_common_ptr library) {
    if (((j_decompress_ptr)library)->input_scan_number > scan_limit) {
        fail(library->client_data, codec_corrupt, "it has more than 64 scans");
    }
}

static void open_reader(jpeg_reader *reader, const uint8_t *bytes, size_t count) {
    struct jpeg_decompress_struct *library = &reader->library;
    jpeg_create_decompress(library);
    library->client_data = reader;
    reader->source.init_source = on_source;
    reader->source.fill_input_buffer = on_refill;
    reader->source.skip_input_data = on_skip;
    reader->source.resync_to_restart = jpeg_resync_to_restart;
    reader->source.term_source = on_source;
    reader->source.next_input_byte = bytes;
    reader->source.bytes_in_buffer = count;
    library->src = &reader->source;
    reader->progress.progress_monitor = on_progress;
    library->progress = &reader->progress;

    int found;
    do {
        found = jpeg_read_header(library, FALSE);
    } while (found == JPEG_HEADER_TABLES_ONLY);
    if (found == JPEG_SUSPENDED) { fail(reader, codec_truncated, "it ends within its header"); }
    switch (library->num_components) {
    case 1:
    case 3: library->out_color_space = JCS_RGB; break;
    case 4: library->out_color_space = JCS_CMYK; break;
    default: fail(reader, codec_unsupported, "it has neither 1, 3 nor 4 components");
    }
}

/// a * b / 255, rounded.
static inline int multiply(int a, int b) {
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

/// Inks to light. Adobe's files, which are nearly all there are, store 255 for no ink: inverted, as is read here.
static void convert_inverted_cmyk(const uint8_t *restrict inks, uint8_t *restrict pixels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int light = inks[4 * i + 3];
        for (int c = 0; c < 3; c++) {
            pixels[3 * i + c] = (uint8_t)(light - multiply(255 - inks[4 * i + c], light));
        }
    }
}

static void read_pixels(jpeg_reader *reader, uint8_t *pixels, size_t byte_count) {
    struct jpeg_decompress_struct *library = &reader->library;
    if (!codec_fits(library->image_width, library->image_height, byte_count)) {
        fail(reader, codec_corrupt, "its size changed");
    }
    if (!jpeg_start_decompress(library)) { fail(reader, codec_truncated, "it ends before its last scan"); }
    size_t width = library->output_width;
    int is_cmyk = library->out_color_space == JCS_CMYK;
    JSAMPARRAY inks = NULL;
    if (is_cmyk) {
        inks = library->mem->alloc_sarray((j_common_ptr)library, JPOOL_IMAGE, (JDIMENSION)(4 * width), 1);
    }
    while (library->output_scanline < library->output_height) {
        JSAMPROW rows[8];
        JDIMENSION row = library->output_scanline, wanted = library->output_height - row;
        wanted = wanted > 8 ? 8 : wanted;
        for (JDIMENSION i = 0; i < wanted; i++) { rows[i] = pixels + (size_t)(row + i) * width * 3; }
        if (jpeg_read_scanlines(library, is_cmyk ? inks : rows, is_cmyk ? 1 : wanted) == 0) {
            fail(reader, codec_truncated, "it ends within its pixels");
        }
        if (is_cmyk) { convert_inverted_cmyk(inks[0], rows[0], width); }
    }
    // Every row is there: an absent end marker is forgiven, a damaged one is not.
    jpeg_finish_decompress(library);
}

/// Does the work; errors end it early, with the reader's status set.
static void attempt(
    jpeg_reader *reader, const uint8_t *bytes, size_t count, codec_size *size, uint8_t *pixels, size_t byte_count) {
    if (setjmp(reader->failure)) { return; }
    open_reader(reader, bytes, count);
    if (pixels) {
        read_pixels(reader, pixels, byte_count);
    } else {
        size->width = reader->library.image_width;
        size->height = reader->library.image_height;
    }
}

/// Runs both verbs: `pixels` is null for the first.
static codec_status run(
    const uint8_t *bytes, size_t count, codec_size *size, uint8_t *pixels, size_t byte_count, codec_message *message) {
    jpeg_reader reader;
    memset(&reader, 0, sizeof reader);
    reader.message = message;
    reader.library.err = jpeg_std_error(&reader.errors);
    reader.library.client_data = &reader;
    reader.errors.error_exit = on_error;
    reader.errors.output_message = on_message;
    attempt(&reader, bytes, count, size, pixels, byte_count);
    jpeg_destroy_decompress(&reader.library);
    return reader.status;
}

codec_status codec_jpeg_size(const uint8_t *bytes, size_t count, codec_size *size, codec_message *message) {
    return run(bytes, count, size, NULL, 0, message);
}

codec_status codec_jpeg_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t byte_count, codec_message *message) {
    return run(bytes, count, NULL, pixels, byte_count, message);
}
