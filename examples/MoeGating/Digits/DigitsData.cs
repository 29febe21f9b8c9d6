using TorchSharp;
using static TorchSharp.torch;

namespace MoeGating;

/// <summary>
/// Pictures of 11 x 11: a digit of 5 x 7 and a line along one side, which says which of four domains it is in. Each domain names the digits in an order of its own, so that
/// the same digit has four different labels.
/// </summary>
internal sealed record DigitsData(Tensor TrainInput, Tensor TrainTarget, Tensor TestInput, Tensor TestTarget, Tensor TestDomain) : IDisposable
{
    public const int Side = 11;
    public const int Features = Side * Side;
    public const int Classes = 10;
    public const int Domains = 4;

    private const int Width = 5, Height = 7;
    private const int PlacesDown = 3, PlacesAcross = 4;
    private const double Noise = 0.2, LeastBright = 0.7, MostBright = 1.3;

    // A digit is a string of its rows.
    private static readonly string[] Glyphs =
    [
        " ### #   ##  ### # ###  ##   # ### ",
        "  #   ##    #    #    #    #   ### ",
        " ### #   #    #   #   #   #   #####",
        " ### #   #    #  ##     ##   # ### ",
        "   #   ##  # # #  # #####   #    # ",
        "######    ####     #    ##   # ### ",
        " ### #    #    #### #   ##   # ### ",
        "#####    #   #   #   #    #    #   ",
        " ### #   ##   # ### #   ##   # ### ",
        " ### #   ##   # ####    #    # ### ",
    ];

    public static DigitsData Create(int seed, int train, int test)
    {
        using var scope = NewDisposeScope();
        manual_seed(seed);
        Tensor labels = stack([.. Enumerable.Range(0, Domains).Select(_ => randperm(Classes, dtype: ScalarType.Int64))]); // [domain, digit]
        (Tensor trainInput, Tensor trainTarget, _) = Draw(train, labels);
        (Tensor testInput, Tensor testTarget, Tensor testDomain) = Draw(test, labels);
        return new(
            trainInput.DetachFromDisposeScope(), trainTarget.DetachFromDisposeScope(),
            testInput.DetachFromDisposeScope(), testTarget.DetachFromDisposeScope(), testDomain.DetachFromDisposeScope());
    }

    public void Dispose() => Array.ForEach([TrainInput, TrainTarget, TestInput, TestTarget, TestDomain], t => t.Dispose());

    private static (Tensor Input, Tensor Target, Tensor Domain) Draw(int samples, Tensor labels)
    {
        Tensor digit = randint(0, Classes, [samples], dtype: ScalarType.Int64);
        Tensor domain = randint(0, Domains, [samples], dtype: ScalarType.Int64);
        Tensor bright = rand(samples, 1) * (MostBright - LeastBright) + LeastBright;
        Tensor place = randint(0, PlacesDown * PlacesAcross, [samples], dtype: ScalarType.Int64);
        Tensor placed = stack([.. Glyphs.SelectMany(glyph => Enumerable.Range(0, PlacesDown * PlacesAcross).Select(at => Placed(glyph, at)))]);
        Tensor frames = stack([.. Enumerable.Range(0, Domains).Select(Frame)]);
        Tensor clean = placed.index_select(0, (digit * PlacesDown * PlacesAcross) + place) + frames.index_select(0, domain);
        Tensor input = (clean * bright) + (randn(samples, Features) * Noise);
        return (input, labels.reshape(-1).index_select(0, (domain * Classes) + digit), domain);
    }

    /// <summary>A digit inside the frame; the last place to the right stays empty.</summary>
    private static Tensor Placed(string glyph, int place) => Pixels((row, column) =>
    {
        (int y, int x) = (row - 1 - (place % PlacesDown), column - 1 - (place / PlacesDown));
        return y is >= 0 and < Height && x is >= 0 and < Width && glyph[(y * Width) + x] == '#';
    });

    /// <summary>The line of a domain: above, below, left or right.</summary>
    private static Tensor Frame(int domain) => Pixels((row, column) => domain switch
    {
        0 => row == 0,
        1 => row == Side - 1,
        2 => column == 0,
        _ => column == Side - 1,
    });

    private static Tensor Pixels(Func<int, int, bool> isSet) =>
        tensor((float[])[.. Enumerable.Range(0, Features).Select(i => isSet(i / Side, i % Side) ? 1f : 0f)]);
}
