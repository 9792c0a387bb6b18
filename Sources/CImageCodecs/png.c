// PNG by libpng. The library does not read the original file but a synthetic one, which contains only the header, the
// palette and the pixel data. Corrupt files are therefore treated by one rule, which is Pillow's:
//
//     before the pixel data   every chunk must be complete and its CRC correct; unknown chunk types are skipped
//     the pixel data          the zlib stream must yield every row; the CRCs of IDAT chunks are ignored, the stream's
//                             own checksum counts if it is read together with the last row
//     after the last row      nothing is read or inflated, but a long excess of pixel data is an error: it belongs to
//                             another image
//
// Profiles, texts and suggested palettes are never inflated. tRNS and alpha are dropped, not blended.

#include "reader.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

/// The most compressed pixel data after the last row: encoders leave a checksum there, and some a row or two.

/// Units: bytes.
enum { excess_limit = 1 << 16 };

enum { signature_size = 8, header_size = 13, palette_size = 3 * 256, chunk_overhead = 12 };

typedef struct {
    codec_reader base;
    png_structp library;
    png_infop info;
    codec_status status;
    uint32_t width, height;
    codec_window window;
    /// The next row for the caller, and the number of rows that the library has decoded.
    uint32_t next_row, read_count;
    /// Bytes per pixel from the library: 1 for a palette index, 2 for 16-bit grey, else 3.
    size_t pixel_byte_count;
    /// The palette as RGB.
    uint8_t colours[256][3];
    /// One row, or the whole image if it is interlaced.
    uint8_t *rows;
    int is_interlaced;

    /// The rest of the original file, from the next chunk on.
    const uint8_t *bytes;
    size_t count;
    /// The synthetic file's next bytes for the library; after them come the content of an IDAT chunk and its checksum.
    const uint8_t *piece;
    size_t piece_count, content_count;
    int is_checksum_next;
    uint8_t start[signature_size + header_size + palette_size + 2 * chunk_overhead];
    uint8_t chunk_head[8];
} png_reader;

static _Noreturn void fail(png_reader *reader, codec_status status, const char *text) {
    reader->status = status;
    codec_set_message(reader->base.message, text);
    png_longjmp(reader->library, 1);
}

static void on_error(png_structp library, png_const_charp text) { fail(png_get_error_ptr(library), codec_corrupt, text); }

static void on_warning(png_structp library, png_const_charp text) { (void)library; (void)text; }

static void count_work(png_reader *reader, size_t work) {
    if (codec_should_stop(&reader->base, work)) {
        reader->status = codec_stopped;
        png_longjmp(reader->library, 1);
    }
}

static uint32_t number(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void write_number(uint8_t *bytes, size_t value) {
    for (int i = 0; i < 4; i++) { bytes[i] = (uint8_t)(value >> (24 - 8 * i)); }
}

static int is_chunk_type(const uint8_t *kind) {
    for (int i = 0; i < 4; i++) {
        const uint8_t letter = kind[i] | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(kind[i] >= '0' && kind[i] <= '9') && kind[i] != '_') { return 0; }
    }
    return 1;
}

// -- The original file ---------------------------------------------------------------------------------------------

/// A chunk with a complete header; its content may be truncated.
typedef struct {
    const uint8_t *kind, *content;
    size_t length, available;
} chunk;

static chunk next_chunk(png_reader *reader) {
    if (reader->count < 8) { fail(reader, codec_truncated, "it ends before its pixels do"); }
    chunk found = {.kind = reader->bytes + 4, .content = reader->bytes + 8, .length = number(reader->bytes)};
    if (!is_chunk_type(found.kind)) { fail(reader, codec_corrupt, "one of its chunks has an invalid type"); }
    found.available = found.length < reader->count - 8 ? found.length : reader->count - 8;
    return found;
}

/// Skips bytes, at most to the end of the file.
static void pass_bytes(png_reader *reader, size_t count) {
    const size_t size = count < reader->count ? count : reader->count;
    reader->bytes += size;
    reader->count -= size;
}

/// The minimum length of a chunk's content, by chunk type.
static size_t minimum_length(const uint8_t *kind) {
    static const struct {
        char kind[5];
        uint8_t length;
    } kinds[] = {{"IHDR", 13}, {"gAMA", 4}, {"cHRM", 32}, {"sRGB", 1}, {"pHYs", 9}, {"acTL", 8}, {"fcTL", 26}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!memcmp(kind, kinds[i].kind, 4)) { return kinds[i].length; }
    }
    return 0;
}

/// Checks a chunk before the pixel data.
static void check_chunk(png_reader *reader, const chunk *found) {
    char text[80];
    if (reader->count < found->length + chunk_overhead) { fail(reader, codec_truncated, "it ends within a chunk"); }
    const uLong checksum = crc32_z(crc32_z(0, NULL, 0), found->kind, 4 + found->length);
    if (checksum != number(found->content + found->length)) {
        snprintf(text, sizeof text, "the checksum of its %.4s is wrong", (const char *)found->kind);
        fail(reader, codec_corrupt, text);
    }
    if (found->length < minimum_length(found->kind)) {
        snprintf(text, sizeof text, "its %.4s is too short", (const char *)found->kind);
        fail(reader, codec_corrupt, text);
    }
}

/// Reads the chunks up to the pixel data and prepares the start of the synthetic file.
static void read_chunks(png_reader *reader) {
    const uint8_t *header = NULL, *palette = NULL;
    size_t palette_count = 0;
    for (;;) {
        const chunk found = next_chunk(reader);
        if (!memcmp(found.kind, "IDAT", 4)) { break; }
        if (!memcmp(found.kind, "IEND", 4)) { fail(reader, codec_corrupt, "it has no pixels"); }
        check_chunk(reader, &found);
        if (!memcmp(found.kind, "IHDR", 4)) {
            if (header) { fail(reader, codec_corrupt, "it has two headers"); }
            header = found.content;
            if (header[11]) { fail(reader, codec_corrupt, "its filter method is unknown"); }
        } else if (!memcmp(found.kind, "PLTE", 4)) {
            palette = found.content;
            palette_count = found.length / 3 < 256 ? found.length / 3 : 256;
        }
        pass_bytes(reader, chunk_overhead + found.available);
        count_work(reader, chunk_overhead + found.length);
    }
    if (!header) { fail(reader, codec_corrupt, "it has no header"); }

    uint8_t *out = reader->start;
    memcpy(out, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16);
    memcpy(out + 16, header, 10);
    // Compression and filter method 0, the only ones defined; then the interlace method.
    out[26] = out[27] = 0;
    out[28] = header[12] != 0;
    out += signature_size + chunk_overhead + header_size;
    if (header[9] == PNG_COLOR_TYPE_PALETTE && palette_count) {
        write_number(out, 3 * palette_count);
        memcpy(out + 4, "PLTE", 4);
        memcpy(out + 8, palette, 3 * palette_count);
        out += chunk_overhead + 3 * palette_count;
    }
    reader->piece = reader->start;
    reader->piece_count = (size_t)(out - reader->start);
}

// -- The synthetic file that the library reads ---------------------------------------------------------------------

/// Whether all rows are decoded, so that the library only looks for the end of the stream.
static int is_past_pixels(const png_reader *reader) {
    if (!reader->rows) { return 0; }
    return reader->is_interlaced ? png_get_current_pass_number(reader->library) >= 7
                                 : png_get_current_row_number(reader->library) >= reader->height;
}

/// Prepares the next piece: the header of an IDAT chunk, its content, or a checksum (zeros, which the library ignores).
static void next_piece(png_reader *reader) {
    static const uint8_t checksum[4];
    if (reader->content_count) {
        reader->piece = reader->bytes;
        reader->piece_count = reader->content_count;
        pass_bytes(reader, reader->content_count);
        reader->content_count = 0;
    } else if (reader->is_checksum_next) {
        pass_bytes(reader, sizeof checksum);
        reader->piece = checksum;
        reader->piece_count = sizeof checksum;
        reader->is_checksum_next = 0;
    } else {
        chunk found = next_chunk(reader);
        while (!memcmp(found.kind, "IDAT", 4) && !found.length) {
            pass_bytes(reader, chunk_overhead + found.available);
            count_work(reader, chunk_overhead);
            found = next_chunk(reader);
        }
        if (memcmp(found.kind, "IDAT", 4)) { fail(reader, codec_corrupt, "its pixel data end before its last row"); }
        if (!found.available) { fail(reader, codec_truncated, "it ends within its pixels"); }
        // In a truncated file the chunk is shortened to the bytes that exist.
        if (found.available > PNG_UINT_31_MAX) { found.available = PNG_UINT_31_MAX; }
        write_number(reader->chunk_head, found.available);
        memcpy(reader->chunk_head + 4, "IDAT", 4);
        reader->piece = reader->chunk_head;
        reader->piece_count = sizeof reader->chunk_head;
        pass_bytes(reader, sizeof reader->chunk_head);
        reader->content_count = found.available;
        reader->is_checksum_next = 1;
    }
}

static void on_read(png_structp library, png_bytep output, size_t count) {
    png_reader *reader = png_get_io_ptr(library);
    if (is_past_pixels(reader)) { png_longjmp(library, 1); }
    count_work(reader, count);
    while (count) {
        if (!reader->piece_count) { next_piece(reader); }
        const size_t size = count < reader->piece_count ? count : reader->piece_count;
        memcpy(output, reader->piece, size);
        reader->piece += size;
        reader->piece_count -= size;
        output += size;
        count -= size;
    }
}

static void open_reader(png_reader *reader) {
    png_structp library = reader->library;
    reader->bytes += signature_size;
    reader->count -= signature_size;
    read_chunks(reader);
    png_set_read_fn(library, reader, on_read);
    png_set_crc_action(library, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_user_limits(library, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_benign_errors(library, 1);
    png_read_info(library, reader->info);
}

// -- Pixels --------------------------------------------------------------------------------------------------------

/// Copies the palette; indices past its end are black.
static void read_palette(png_reader *reader) {
    png_colorp palette = NULL;
    int colour_count = 0;
    png_get_PLTE(reader->library, reader->info, &palette, &colour_count);
    for (int i = 0; i < colour_count && i < 256; i++) {
        reader->colours[i][0] = palette[i].red;
        reader->colours[i][1] = palette[i].green;
        reader->colours[i][2] = palette[i].blue;
    }
}

/// Converts the library's pixels to RGB. 16-bit grey is clipped to 8 bits, not scaled, as in Pillow.
static void convert(const png_reader *reader, const uint8_t *restrict row, uint8_t *restrict pixels, size_t count) {
    switch (reader->pixel_byte_count) {
    case 1:
        for (size_t i = 0; i < count; i++) { memcpy(pixels + 3 * i, reader->colours[row[i]], 3); }
        break;
    case 2:
        for (size_t i = 0; i < count; i++) {
            pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = row[2 * i] ? 255 : row[2 * i + 1];
        }
        break;
    default: memcpy(pixels, row, 3 * count);
    }
}

/// Lets the library decode a row. After the last row the library would inflate on to the end of the stream, which may
/// be gigabytes even in a small file. `on_read` therefore interrupts it as soon as the row is complete.
static codec_status read_row(png_reader *reader, uint8_t *row) {
    if (setjmp(png_jmpbuf(reader->library))) { return reader->status; }
    png_read_row(reader->library, row, NULL);
    count_work(reader, reader->width * reader->pixel_byte_count);
    return codec_ok;
}

/// Sets up the library's conversions. Returns the number of interlace passes, or 0 on failure.
static int prepare(png_reader *reader) {
    if (setjmp(png_jmpbuf(reader->library))) { return 0; }
    png_structp library = reader->library;
    const int depth = png_get_bit_depth(library, reader->info), colour = png_get_color_type(library, reader->info);
    const int is_palette = colour == PNG_COLOR_TYPE_PALETTE, is_deep_grey = colour == PNG_COLOR_TYPE_GRAY && depth == 16;
    reader->pixel_byte_count = is_palette ? 1 : is_deep_grey ? 2 : 3;
    if (is_palette) {
        png_set_packing(library);
        read_palette(reader);
    } else if (!is_deep_grey) {
        if (depth == 16) { png_set_strip_16(library); }
        if (colour & PNG_COLOR_MASK_ALPHA) { png_set_strip_alpha(library); }
        if (depth < 8) { png_set_expand_gray_1_2_4_to_8(library); }
        if (!(colour & PNG_COLOR_MASK_COLOR)) { png_set_gray_to_rgb(library); }
    }
    const int pass_count = png_set_interlace_handling(library);
    png_read_update_info(library, reader->info);
    if (png_get_rowbytes(library, reader->info) != reader->width * reader->pixel_byte_count) {
        fail(reader, codec_corrupt, "its rows have an unexpected length");
    }
    return pass_count;
}

/// Starts decoding pixels; interlaced images are decoded completely.
static codec_status begin_rows(png_reader *reader) {
    const int pass_count = prepare(reader);
    if (!pass_count) { return reader->status; }
    const size_t row_byte_count = reader->width * reader->pixel_byte_count;
    reader->rows = malloc(row_byte_count * (reader->is_interlaced ? reader->height : 1));
    if (!reader->rows) { return codec_report_out_of_memory(reader->base.message); }
    if (!reader->is_interlaced) { return codec_ok; }
    for (int pass = 0; pass < pass_count; pass++) {
        for (size_t y = 0; y < reader->height; y++) {
            const codec_status status = read_row(reader, reader->rows + y * row_byte_count);
            if (status != codec_ok) { return status; }
        }
    }
    return codec_ok;
}

static codec_status begin(codec_reader *base, uint32_t denominator, codec_window *window) {
    png_reader *reader = (png_reader *)base;
    (void)denominator;
    if ((uint64_t)window->left + window->width > reader->width
        || (uint64_t)window->top + window->height > reader->height) {
        codec_set_message(base->message, "its size changed");
        return codec_corrupt;
    }
    reader->window = *window;
    reader->next_row = window->top;
    return begin_rows(reader);
}

/// Decodes up to row `y` (or finds it in an interlaced image); `*row` becomes its pixels.
static codec_status go_to_row(png_reader *reader, uint32_t y, const uint8_t **row) {
    *row = reader->rows;
    if (reader->is_interlaced) {
        *row += (size_t)y * reader->width * reader->pixel_byte_count;
        return codec_ok;
    }
    for (; reader->read_count <= y; reader->read_count++) {
        const codec_status status = read_row(reader, reader->rows);
        if (status != codec_ok) { return status; }
    }
    return codec_ok;
}

static codec_status read_rows(codec_reader *base, uint8_t *pixels, size_t stride, uint32_t row_count) {
    png_reader *reader = (png_reader *)base;
    const codec_window *window = &reader->window;
    if (reader->is_interlaced && codec_should_stop(base, row_count * stride)) { return codec_stopped; }
    for (uint32_t i = 0; i < row_count; i++, reader->next_row++) {
        const uint8_t *row;
        const codec_status status = go_to_row(reader, reader->next_row, &row);
        if (status != codec_ok) { return status; }
        convert(reader, row + window->left * reader->pixel_byte_count, pixels + i * stride, window->width);
    }
    return codec_ok;
}

/// Checks that no more pixel data follow than a checksum and a few rows.
static codec_status check_excess(png_reader *reader) {
    if (setjmp(png_jmpbuf(reader->library))) { return reader->status == codec_stopped ? codec_stopped : codec_ok; }
    size_t excess = reader->content_count + (reader->is_checksum_next && !reader->content_count ? reader->piece_count : 0);
    pass_bytes(reader, reader->content_count + (reader->is_checksum_next ? 4 : 0));
    while (excess <= excess_limit) {
        const chunk found = next_chunk(reader);
        if (memcmp(found.kind, "IDAT", 4)) { return codec_ok; }
        excess += found.available;
        pass_bytes(reader, chunk_overhead + found.available);
        count_work(reader, chunk_overhead);
    }
    codec_set_message(reader->base.message, "its pixel data continue after its last row");
    return codec_corrupt;
}

static codec_status finish(codec_reader *base) {
    png_reader *reader = (png_reader *)base;
    const uint8_t *row;
    const codec_status status = go_to_row(reader, reader->height - 1, &row);
    return status == codec_ok ? check_excess(reader) : status;
}

static void close_reader(codec_reader *base) {
    png_reader *reader = (png_reader *)base;
    png_destroy_read_struct(&reader->library, &reader->info, NULL);
    free(reader->rows);
    free(reader);
}

static const codec_operations operations = {0, begin, read_rows, finish, close_reader};

/// Reads the header. On errors control returns here with the reader's status set.
static codec_status open_attempt(png_reader *reader, codec_size *size) {
    if (setjmp(png_jmpbuf(reader->library))) { return reader->status; }
    open_reader(reader);
    size->width = reader->width = png_get_image_width(reader->library, reader->info);
    size->height = reader->height = png_get_image_height(reader->library, reader->info);
    reader->is_interlaced = png_get_interlace_type(reader->library, reader->info) != PNG_INTERLACE_NONE;
    return codec_ok;
}

codec_status codec_open_png(
    const uint8_t *bytes, size_t count, codec_control control, codec_reader **opened, codec_size *size,
    codec_message *message) {
    png_reader *reader = calloc(1, sizeof *reader);
    *opened = (codec_reader *)reader;
    if (!reader) { return codec_report_out_of_memory(message); }
    reader->base.operations = &operations;
    reader->base.message = message;
    reader->base.control = control;
    reader->bytes = bytes;
    reader->count = count;
    if (count < signature_size) {
        codec_set_message(message, "it ends within its signature");
        return codec_truncated;
    }
    reader->library = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    reader->info = reader->library ? png_create_info_struct(reader->library) : NULL;
    return reader->info ? open_attempt(reader, size) : codec_report_out_of_memory(message);
}

int64_t codec_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t capacity) {
    uLongf written = capacity;
    return uncompress(output, &written, bytes, count) == Z_OK ? (int64_t)written : -1;
}
