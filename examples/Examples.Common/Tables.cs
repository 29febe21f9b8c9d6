using Spectre.Console;

namespace TorchSharpSoftmax.Examples;

/// <summary>Tables of what was measured, on a terminal or in a file.</summary>
public static class Tables
{
    /// <summary>A table whose first column is words and whose others are numbers.</summary>
    public static Table Of(string first, params string[] numbers)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn(first).NoWrap());
        Array.ForEach(numbers, number => table.AddColumn(new TableColumn(number).RightAligned().NoWrap()));
        return table;
    }

    public static void Print(Table table)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 160; // nothing says how wide a file is
        }

        AnsiConsole.Write(table);
    }
}
