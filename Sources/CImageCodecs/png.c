// PNG by libpng. Only the chunks that make pixels are looked at (IHDR, PLTE, IDAT): profiles, texts and suggested
// palettes are skipped unread, so none of them can be inflated into a bomb. tRNS and alpha are dropped, not blended.

#include "CImageCodecs.h"
#include "message.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

typedef struct {
    png_structp library;
    png_infop info;
    const uint8_t *bytes;
    size_t count;
    codec_message *message;
    codec_status status;
} png_reader;

static void on_error(png_structp library, png_const_charp text) {
    png_reader *reader = png_get_error_ptr(library);
    if (reader->status == codec_ok) {
        reader->status = codec_corrupt;
        codec_say(reader->message, text);
    }
    png_longjmp(library, 1);
}

static void on_warning(png_structp library, png_const_charp text) { (void)library; (void)text; }

static void on_read(png_structp library, png_bytep output, size_t count) {
    png_reader *reader = png_get_io_ptr(library);
    if (count > reader->count) {
        reader->status = codec_truncated;
        codec_say(reader->message, "it ends within a chunk");
        png_error(library, "truncated");
    }
    memcpy(output, reader->bytes, count);
    reader->bytes += count;
    reader->count -= count;
}

static void open_reader(png_reader *reader) {
    png_structp library = reader->library;
    png_set_read_fn(library, reader, on_read);
    png_set_keep_unknown_chunks(library, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_user_limits(library, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_benign_errors(library, 1);
    png_read_info(library, reader->info);
}

/// Replaces indices by colours. The indices lie in the last third of the pixels, so that each is read before its place
/// is written. An index past the palette's end is black.
static void look_up(png_reader *reader, uint8_t *pixels, size_t count) {
    uint8_t colours[256][3];
    memset(colours, 0, sizeof colours);
    png_colorp palette = NULL;
    int colour_count = 0;
    png_get_PLTE(reader->library, reader->info, &palette, &colour_count);
    for (int i = 0; i < colour_count && i < 256; i++) {
        colours[i][0] = palette[i].red;
        colours[i][1] = palette[i].green;
        colours[i][2] = palette[i].blue;
    }
    const uint8_t *indices = pixels + 2 * count;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *colour = colours[indices[i]];
        uint8_t red = colour[0], green = colour[1], blue = colour[2];
        pixels[3 * i] = red;
        pixels[3 * i + 1] = green;
        pixels[3 * i + 2] = blue;
    }
}

/// Greys of 16 bits to pixels of 8, by clipping rather than by scaling: Pillow's way. The greys lie in the last two
/// thirds of the pixels.
static void clip_grey(uint8_t *pixels, size_t count) {
    const uint8_t *greys = pixels + count;
    for (size_t i = 0; i < count; i++) {
        uint8_t grey = greys[2 * i] ? 255 : greys[2 * i + 1];
        pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = grey;
    }
}

static void read_pixels(png_reader *reader, uint8_t *pixels, size_t byte_count) {
    png_structp library = reader->library;
    size_t width = png_get_image_width(library, reader->info), height = png_get_image_height(library, reader->info);
    if (!codec_fits(width, height, byte_count)) { png_error(library, "its size changed"); }
    size_t count = width * height;

    int depth = png_get_bit_depth(library, reader->info), colour = png_get_color_type(library, reader->info);
    int is_palette = colour == PNG_COLOR_TYPE_PALETTE, is_deep_grey = colour == PNG_COLOR_TYPE_GRAY && depth == 16;
    size_t pixel_byte_count = is_palette ? 1 : is_deep_grey ? 2 : 3;
    if (is_palette) {
        png_set_packing(library);
    } else if (!is_deep_grey) {
        if (depth == 16) { png_set_strip_16(library); }
        if (colour & PNG_COLOR_MASK_ALPHA) { png_set_strip_alpha(library); }
        if (depth < 8) { png_set_expand_gray_1_2_4_to_8(library); }
        if (!(colour & PNG_COLOR_MASK_COLOR)) { png_set_gray_to_rgb(library); }
    }
    int pass_count = png_set_interlace_handling(library);
    png_read_update_info(library, reader->info);
    if (png_get_rowbytes(library, reader->info) != width * pixel_byte_count) { png_error(library, "its rows misfit"); }

    uint8_t *rows = pixels + (3 - pixel_byte_count) * count;
    for (int pass = 0; pass < pass_count; pass++) {
        for (size_t y = 0; y < height; y++) { png_read_row(library, rows + y * width * pixel_byte_count, NULL); }
    }
    if (is_palette) { look_up(reader, pixels, count); }
    if (is_deep_grey) { clip_grey(pixels, count); }
}

/// Does the work; errors end it early, with the reader's status set.
static void attempt(png_reader *reader, codec_size *size, uint8_t *pixels, size_t byte_count) {
    if (setjmp(png_jmpbuf(reader->library))) { return; }
    open_reader(reader);
    if (pixels) {
        read_pixels(reader, pixels, byte_count);
    } else {
        size->width = png_get_image_width(reader->library, reader->info);
        size->height = png_get_image_height(reader->library, reader->info);
    }
}

/// Runs both verbs: `pixels` is null for the first.
static codec_status run(
    const uint8_t *bytes, size_t count, codec_size *size, uint8_t *pixels, size_t byte_count, codec_message *message) {
    png_reader reader = {.bytes = bytes, .count = count, .message = message, .status = codec_ok};
    reader.library = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
    reader.info = reader.library ? png_create_info_struct(reader.library) : NULL;
    if (reader.info) {
        attempt(&reader, size, pixels, byte_count);
    } else {
        codec_say(message, "there is no memory left to decode it");
        reader.status = codec_out_of_memory;
    }
    png_destroy_read_struct(&reader.library, &reader.info, NULL);
    return reader.status;
}

codec_status codec_png_size(const uint8_t *bytes, size_t count, codec_size *size, codec_message *message) {
    return run(bytes, count, size, NULL, 0, message);
}

codec_status codec_png_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t byte_count, codec_message *message) {
    return run(bytes, count, NULL, pixels, byte_count, message);
}

int64_t codec_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t capacity) {
    uLongf written = capacity;
    return uncompress(output, &written, bytes, count) == Z_OK ? (int64_t)written : -1;
}
