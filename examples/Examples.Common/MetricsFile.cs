using System.Globalization;
using CsvHelper;

namespace TorchSharpSoftmax.Examples;

/// <summary>A CSV file of one row per logged epoch, written through at once so that an interrupted run keeps what it measured.</summary>
/// <typeparam name="TRow">A record whose properties are the columns.</typeparam>
public sealed class MetricsFile<TRow> : IDisposable
{
    private readonly List<TRow> _rows = [];
    private readonly StreamWriter _stream;
    private readonly CsvWriter _csv;

    /// <summary>Starts the file, keeping those rows of an earlier run that <paramref name="keep"/> accepts.</summary>
    public MetricsFile(string path, Func<TRow, bool>? keep = null)
    {
        Path = path;
        _rows.AddRange(keep is null ? [] : Read(path).Where(keep));

        // The kept rows are complete under another name before they replace the file: a crash in between loses none.
        string fresh = path + ".new";
        using (var writer = new StreamWriter(fresh))
        using (var csv = new CsvWriter(writer, CultureInfo.InvariantCulture))
        {
            csv.WriteRecords(_rows);
        }

        File.Move(fresh, path, overwrite: true);
        _stream = new StreamWriter(path, append: true);
        _csv = new CsvWriter(_stream, CultureInfo.InvariantCulture);
    }

    public string Path { get; }

    public IReadOnlyList<TRow> Rows => _rows;

    public void Add(TRow row)
    {
        _rows.Add(row);
        _csv.WriteRecord(row);
        _csv.NextRecord();
        _csv.Flush();
        _stream.Flush();
    }

    public void AddRange(IEnumerable<TRow> rows)
    {
        foreach (TRow row in rows)
        {
            Add(row);
        }
    }

    public void Dispose()
    {
        _csv.Dispose();
        _stream.Dispose();
    }

    /// <summary>The rows that an earlier run left; none where there is no file.</summary>
    public static List<TRow> Read(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var reader = new StreamReader(path);
        using var csv = new CsvReader(reader, CultureInfo.InvariantCulture);
        try
        {
            return [.. csv.GetRecords<TRow>()];
        }
        catch (CsvHelperException e)
        {
            throw new ArgumentException(
                $"'--resume' finds a damaged file '{path}'; the rows as an earlier run wrote them are required ({e.Message.Split('\n')[0].Trim()})", e);
        }
    }
}
