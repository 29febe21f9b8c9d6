namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Strips of columns: walked as passes walk them they meet every element once, in a lane of its own column; contiguous rows are strips too.</summary>
public sealed class ColumnTileTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public void Every_element_is_walked_once_in_a_lane_of_its_column(int inner)
    {
        const int Outer = 2;
        foreach (int length in (int[])[1, 2, 42, 43, 127, 128, 129, 1000])
        {
            var walked = new int[Outer * length * inner];
            for (nint unit = 0; unit < Outer * ColumnTile.TilesOf(length, inner); unit++)
            {
                ColumnTile tile = ColumnTile.Of(unit, length, inner);
                Assert.InRange(tile.Width, 1, ColumnTile.Widest);
                nint at = tile.Start, firstColumn = tile.Start % inner;
                for (nint row = 0; row < tile.Rows; row++, at += tile.Stride)
                {
                    for (nint j = 0; j < tile.WidthOf(row); j++)
                    {
                        walked[at + j]++;
                        Assert.Equal(firstColumn + (j % tile.Columns), (at + j) % inner);
                    }
                }
            }

            Assert.All(walked, times => Assert.Equal(1, times));
        }
    }
}
